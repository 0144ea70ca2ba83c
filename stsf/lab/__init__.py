"""The classroom: widgets of the lessons and the tools that store the notebooks."""
