"""Pictures of results for people: what is drawn comes from the result's own fields.

`finsvc.calculators.plots.drawings` turns a result into a description, and
`finsvc.calculators.plots.matplotlib_adapter`, the one place that imports matplotlib, draws it.
Equal results give equal bytes of SVG.
"""
