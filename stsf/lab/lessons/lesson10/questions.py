"""Predictions of lesson 10."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "missing": Question(
        "Which of these could be missing in the files, and the fusion still run without a word?",
        ("the wavelengths", "the scale of the reflectance", "the date and the sensor's name"),
        "the date and the sensor's name",
        "Without wavelengths a band is a number without a meaning, without a scale it has no "
        "unit. A sensor is told by its bands; a date only serves to warn that two are far apart.",
    ),
    "one option": Question(
        "Five faults are built in below. Which two can be mended by one more option of the "
        "command, without touching the files?",
        (
            "files swapped; another map projection",
            "digital numbers; no wavelengths",
            "another extent; another map projection",
        ),
        "digital numbers; no wavelengths",
        "Read the ends of the sentences: --scale and --hs-sensor. Another extent needs new files.",
    ),
    "gain": Question(
        "A gain between the dates is not looked for. Why can it not be told from the images?",
        (
            "the noise hides it",
            "M1 and M2 come from one sensor, so it is 1",
            "a brighter sun or a paler soil at t2 would look the same",
        ),
        "a brighter sun or a paler soil at t2 would look the same",
        "One quantity, two names: nothing in three images tells a gain of M2 from a change.",
    ),
    "residual": Question(
        "Three residuals are compared with the noise. Which must be near 1 or below, whatever the "
        "method?",
        ("only Y1 - D X1", "all three", "none: it depends on the method"),
        "all three",
        "An estimate that contradicts what was measured by more than the noise is wrong. (The "
        "other way round nothing follows: section 5.)",
    ),
    "secret": Question(
        "Which of B2 (blue), B3 (green) and B4 (red) is guessed from the other bands with the "
        "smallest error of reflectance?",
        ("B2", "B3", "B4"),
        "B2",
        "It is the darkest. Beside the spread of each band the red is guessed best: two "
        "yardsticks, two answers.",
    ),
    "bits": Question(
        "How much is lost by counts of 0.0001, beside the noise of the HS?",
        ("about as much as the noise", "a tenth of it", "less than a twentieth"),
        "less than a twentieth",
        "The error of rounding is at most half a count, 0.00005 of reflectance.",
    ),
    "near infrared": Question(
        "Four bands without a name, of fields and forest in May. Which is the near infrared?",
        ("the first", "the second", "the third", "the fourth"),
        "the first",
        "Leaves send back several times as much near infrared as any colour: its grey values go "
        "far higher, and fields are bright in it where they are dark in the red.",
    ),
    "red for blue": Question(
        "Now blue and red have changed places, the order of a screen (R, G, B). Will the kit "
        "refuse that, too?",
        ("yes, the same way", "no, but its report will show it", "no, and nothing will show it"),
        "no, but its report will show it",
        "Blue and red look much alike here, so the kit takes two bands for badly calibrated ones "
        "and mends them: read the gains. A gain of 1.7 is no calibration.",
    ),
    "cloud": Question(
        "A cloud in M2 that nobody masked. Which residual of the report will rise?",
        ("M2 - R X2", "Y1 - D X1", "none"),
        "none",
        "The result has to agree with M2, cloud or not: it finds a spectrum that looks white in "
        "four bands.",
    ),
    "offset": Question(
        "Since 2022 counts of Sentinel-2 hold 1000 too much, on purpose: reflectance 0 is count "
        "1000. Whoever forgets it at t2 alone loses how much of the PSNR of X2?",
        ("about 1 dB", "about 5 dB", "more than 15 dB"),
        "more than 15 dB",
        "0.1 of reflectance is half of what the mean pixel sends back.",
    ),
    "corner": Question(
        "A reader takes the centre of the corner pixel for the corner: Y1 lies half an HS pixel "
        "off. Which estimate suffers most, if nobody registers the images?",
        ("X1", "X2", "both alike"),
        "X1",
        "X1 takes its spectra from Y1 and its edges from M1, which no longer fit. X2 was carried "
        "over from it, and loses less only because it was less good before.",
    ),
}
