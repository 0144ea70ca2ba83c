"""What a simulated place is made of.

Reading order: shapes, landscapes, palette, then `countryside` and `deadleaves`, the two kinds of
place that `stsf.simulate` offers.
"""
