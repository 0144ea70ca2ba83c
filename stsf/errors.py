"""The one exception for input that cannot be used."""


class InputError(ValueError):
    """Bad input, told in one sentence: what was expected, what arrived, how to mend it.

    The command line prints the sentence and ends with exit code 2; a notebook shows it as the
    last line of a short traceback.

    Example:
        >>> raise InputError("ratio must be a whole number, got 2.7: resample one grid")
        Traceback (most recent call last):
            ...
        stsf.errors.InputError: ratio must be a whole number, got 2.7: resample one grid
    """
