"""The classroom: the widgets of the lessons, and the checks of their exercises."""
