"""Speed of calculators beside other libraries in the same run."""
