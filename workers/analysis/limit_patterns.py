"""The words in which procedures bound a quantity, in English and German, as patterns."""

import re

from workers.analysis.units import NAMED

UNITS = "|".join(re.escape(name) for name in sorted(NAMED, key=len, reverse=True))
UNIT = rf"(?-i:{UNITS})(?![\w°²^])"
NUMBER = r"[-+\u2212]?\d{1,12}(?:[.,]\d{1,12})*(?:[eE][-+]?\d{1,3})?"
FREE = r"(?<![\w.,])"
GAP = r"\s{0,3}"
AMOUNT = rf"{FREE}(?P<number>{NUMBER})\s?(?P<unit>{UNIT})"
RANGE = re.compile(
    rf"(?P<word>between|within|in the range(?: of)?|range(?: of)?:?|from|zwischen|im bereich(?: von)?)?{GAP}"
    rf"{FREE}(?P<low>{NUMBER})\s?(?P<low_unit>{UNIT})?{GAP}(?P<join>\.\.\.?|…|\u2013|\u2014|-|to|and|und|bis){GAP}"
    rf"(?P<high>{NUMBER})\s?(?P<unit>{UNIT})",
    re.IGNORECASE,
)
TOLERANCE = re.compile(
    rf"{FREE}(?P<middle>{NUMBER})\s?(?P<middle_unit>{UNIT})?{GAP}"
    rf"(?:±|\+\s?/\s?[-\u2212]|\+[-\u2212]|plus[ /]?(?:or )?minus){GAP}(?P<by>{NUMBER})\s?(?P<unit>{UNIT})",
    re.IGNORECASE,
)
WHAT = r"(?: (?!(?:at|with|for|in|under|on|and|by|to|of|is)\b)[a-z]+){0,2}"  # `maximum output current: 3 A`
KEEPS = r".{0,30}\b(?:bleib|lieg|sein)"  # `unter 20 A Last` names a load, no limit
NOT = r"(?:not|never|no|n't|nicht|nie|kein\w{0,2}|without)(?: \w+){0,2}"
MOST = (
    r"<=?|≤|=<|at most|up to a maximum of|limited to|beneath|below|(?:no|not) (?:more|higher|greater|longer|later) than|"
    rf"{NOT} (?:exceed|above|over|beyond|exceeding|über|mehr als|länger als|überschreiten)|"
    r"(?:less|lower|smaller|faster|shorter|kleiner|weniger|niedriger) (?:than|als)|(?:stays?|remains?|be|is|are|kept|well) under|"
    rf"max(?:imum|imal|\.)?{WHAT}(?: of|:| =| is)?|höchstens|unter(?={KEEPS})|unterhalb(?: von)?"
)
LEAST = (
    r">=?|≥|=>|at least|above|exceeds?|exceeding|(?:no|not) (?:less|lower) than|"
    rf"{NOT} (?:below|under|unter|beneath|less than|unterschreiten)|"
    r"(?:more|higher|greater|larger|mehr|größer|höher) (?:than|als)|"
    rf"min(?:imum|imal|\.)?{WHAT}(?: of|:| =| is)?|mindestens|über(?={KEEPS})|oberhalb(?: von)?"
)
ONE_SIDE = re.compile(rf"(?<!\w)(?:(?P<most>{MOST})|(?P<least>{LEAST})){GAP}{AMOUNT}", re.IGNORECASE)
WITHIN = re.compile(
    rf"\b(?:within|in (?:less than|under)|innerhalb(?: von)?|binnen|in weniger als|(?:no|not) later than)\s{{1,3}}{AMOUNT}", re.IGNORECASE
)
EXTREME = re.compile(r"(?:max|min)\w*\.?((?: [a-z]+){1,2}?)(?: of| is)?[ :=]*[-+\d]", re.IGNORECASE)
CLAUSE = re.compile(r"[;:\n]|[.!?,](?=\s|$)|\b(?:and then|then|dann)\b", re.IGNORECASE)
NOUN = r"(?! (?:voltage|current|temperature|pressure|speed|rail|time|power))"  # `supply voltage`, `charge current`
STIMULUS = re.compile(
    r"^\W*(?:(?:and|now|slowly|gradually|please|to) )*(?:apply|set|inject|vary|raise|lower|turn|adjust|feed|connect|program|wait|hold|run|"
    rf"soak|dwell|(?:supply|charge|discharge|drive|command){NOUN})\b|"
    r"\b(?:applied|applying|set(?:ting)? to|ramp\w*|sweep\w*|swept|step(?:ped)? (?:to|from)|increas(?:e|ed|ing)|decreas(?:e|ed|ing)|"
    r"anlegen|einstellen|erhöhen|warten)\b",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"\b(?:if|when(?:ever)?|once|until|till|while|as soon as|after|before|trips?|in case|provided|unless|falls below|rises above|"
    r"wenn|falls|sobald|bis|solange|nachdem|bevor)\b",
    re.IGNORECASE,
)
DEMAND = re.compile(
    r"\b(?:shall|must|should|verify|check|ensure|confirm|make sure|expect(?:ed)?|require[sd]?|"
    r"muss|müssen|soll(?:en)?|darf|dürfen|prüfen|sicherstellen)\b",
    re.IGNORECASE,
)
VERB = re.compile(
    r"shall|must|should|stays?|staying|remains?|remaining|is|are|be|may|can(?:not)?|will|does|do|kept|keeps?|rises|drops|falls|goes|"
    r"reach\w*|to|muss|soll|darf|bleibt|liegt|not|never|has|reads?",
    re.IGNORECASE,
)
