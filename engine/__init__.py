"""The gpt-oss network and everything that turns token ids into token ids."""
