"""The one exception for input that cannot be used, and the one warning for what can be doubted."""


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


class Doubt(UserWarning):
    """What was taken for granted or left out, in one sentence; the result is made all the same.

    The command line prints it as "Warning: ..." and puts it into the report.
    """
