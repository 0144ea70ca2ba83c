"""Predictions of lesson 08."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "all six": Question(
        "Some 18 % of the pixels changed abruptly between the dates. By which figures will the "
        "first estimate, which ignores that, be the worse of the two?",
        ("by all six", "by PSNR and ERGAS only", "by SAM only"),
        "by all six",
        "A fifth of the pixels with large errors outweighs the rest in every mean. So far the "
        "figures agree; section 2 ends that.",
    ),
    "flat": Question(
        "We take the truth and replace every visible band by a single grey value. Can that have a "
        "higher PSNR than the honest estimate?",
        ("no: there is no image left in the visible", "yes"),
        "yes",
        "The visible is dark, so its errors are small beside those of the honest estimate in the "
        "infrared. An image that nobody would accept wins.",
    ),
    "glint": Question(
        "We add one glinting roof of reflectance 1.5 to the truth, and to the estimate too: no "
        "error is added. What happens to the PSNR?",
        ("nothing", "it rises by about 1 dB", "it rises by nearly 10 dB"),
        "it rises by nearly 10 dB",
        "Only the peak has grown, from 0.5 to 1.5: 20 log10 of 3 is 9.5 dB.",
    ),
    "pond": Question(
        "A window on the pond, and an error that nobody would ever see: 0.002 of reflectance "
        "beyond 1500 nm. Is the ERGAS small?",
        ("yes: the error is tiny", "no: it is larger than that of any method in the tables"),
        "no: it is larger than that of any method in the tables",
        "Each band's error is divided by the band's mean, and water sends back less than 0.002 "
        "there.",
    ),
    "regions": Question(
        "By how many decibels do changed and unchanged pixels differ, for 'X1 as it is' and for "
        "the kit's fusion?",
        ("2 and 1", "5 and 10", "19 and 11"),
        "19 and 11",
        "Two tasks in one image. A single mean tells mostly how many pixels changed.",
    ),
    "wald": Question(
        "One scale down, will the figures be higher or lower? Will the order of the methods be the "
        "same?",
        ("higher, another order", "lower, the same order", "lower, another order"),
        "lower, the same order",
        "The same fields cover fewer pixels, which is harder; here the order held. It need not.",
    ),
    "luck": Question(
        "Two methods differ by 0.2 dB in the mean, and each has a spread of 2 dB over the scenes. "
        "Is the difference luck?",
        ("yes: it is a tenth of the spread", "no", "that cannot be told from these numbers"),
        "that cannot be told from these numbers",
        "A hard scene is hard for both. What counts is the spread of the differences, scene by "
        "scene.",
    ),
    "kinds": Question(
        "Which kind of change is hardest for a method that knows only this scene? Does knowledge "
        "of other scenes help there?",
        ("flood; it helps", "construction; it does not", "harvest; it helps"),
        "flood; it helps",
        "Water is nearly absent at t1, so the scene holds no example: 32 degrees against 17 for a "
        "method that has seen water elsewhere.",
    ),
    "lead": Question(
        "On simulated scenes the network leads blend, which sees only the scene at hand, by nearly "
        "5 dB. How much of it is left on real spectra?",
        ("about 5 dB", "about 2 dB", "next to nothing"),
        "next to nothing",
        "Read the last line: less than its own standard error. What it learnt of the simulator's "
        "water and roofs is no use there.",
    ),
}
