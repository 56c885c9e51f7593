"""What a hostile or careless client sends: texts, numbers, times and parts of paths.

Numbers are JSON as it is sent, parts of paths as they stand in an address. Bare dots are none: clients take them away.
"""

FORGED = "2026-01-01T00:00:00.000Z error runledger.api: forged"

STRINGS = {
    "empty": "",
    "blanks": " \t\u00a0\u3000",
    "NUL": "before\0after",
    "lone high surrogate": "a\ud800",
    "lone low surrogate": "\udfffa",
    "surrogates in the wrong order": "\udc00\ud83d",
    "control characters": "\x01\x07\x08\x0b\x1b[31mred\x1b[0m\x7f\x85",
    "line ends": "a\nb\rc\r\nd\u2028e\u2029f",
    "a forged log line": f"x\r\n{FORGED}\n",
    "a forged header": "x\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "bidi override": "\u202egnp.exe\u202c \u2066\u2067\u2069",
    "zero width": "pass\u200bword\u200c\u200d\u2060\ufeff",
    "byte order mark": "\ufefftitle",
    "noncharacters": "\ufffe\uffff\U0010ffff\ufdd0",
    "combining marks": "Z\u0351\u036b\u0343\u036a\u0302\u036b" * 20,
    "composed and not": "\u00e9 e\u0301 \u1e9b\u0323 \ufb01 \u212b",
    "emoji sequences": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f4\U000e0067\U000e0062\U000e007f \U0001f44d\U0001f3fd 1\ufe0f\u20e3",
    "scripts": "\u6d4b\u8bd5 \u0627\u062e\u062a\u0628\u0627\u0631 \u05de\u05d1\u05d7\u05df \u0e17\u0e14\u0e2a\u0e2d\u0e1a \u0130\u0131\u015f \u1e9e",
    "SQL": "'; DROP TABLE runledger.events; --",
    "SQL in quotes": '" OR ""=" \' OR 1=1 /* \\\'; SELECT pg_sleep(10) --',
    "SQL placeholders": "%s %(run_id)s $1 :id ? {0} {rows} %%",
    "LIKE": "%_\\%\\_[^a]",
    "text search": "!a & (b | c:* <-> 'd\\'' ) \\ : ! & |",
    "regular expression": "(a+)+$ [[:alpha:] \\Q (?P<x>",
    "JSON": '{"$ref": "#/x", "__proto__": {"admin": true}}\\u0000\\ud800',
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)><!--",
    "HTML entities": "&lt;b&gt; &#60;script&#62; &amp;amp; &#0;",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "CDATA": "]]><![CDATA[ <?xml version='1.0'?> <!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;",
    "Markdown": "[x](javascript:alert(1)) ![y](http://127.0.0.1/z) ```\n<b>\n``` | a | b |\n|---|---|",
    "typst": '#eval("1") #read("/etc/passwd") $ #x $ @y <z> ]#[ *_`',
    "CSV": '=HYPERLINK("http://x","y") +1 -1 @SUM(A1) \t=cmd|\'/C calc\'!A0',
    "templates": "{{7*7}} ${7*7} <%= 7*7 %> #{7*7} {%raw%} ${jndi:ldap://127.0.0.1/a}",
    "format strings": "%n%n%s%x %d %1$s {} {0.__class__} {self} \\x41 \\N{BULLET}",
    "shell": "$(touch /tmp/x) `id` ; rm -rf / | cat && sleep 9 > /dev/null",
    "paths": "../../../../etc/passwd ..\\..\\boot.ini /dev/zero C:\\con file:///etc/shadow",
    "addresses": "http://169.254.169.254/latest/meta-data/ s3://runledger/../x s3://arn:aws:s3:::b/k s3://runledger/a%2f..%2fb",
    "words of programs": "null undefined NaN None true nil -Infinity __proto__ constructor",
    "a number as text": "9223372036854775808",
    "an id of another form": "{00000000-0000-0000-0000-000000000000}",
    "256 letters": "x" * 256,
    "20,001 letters": "x" * 20_001,
    "a million letters": "x" * 1_000_000,
    "a third of a million emoji": "\U0001f680" * 250_000,
}

NUMBERS = {
    "beyond doubles": "1e309", "below doubles": "-1e309", "tiny": "1e-400", "minus nought": "-0", "minus nought with point": "-0.0",
    "NaN": "NaN", "Infinity": "Infinity", "minus Infinity": "-Infinity", "2^31": "2147483648", "2^53": "9007199254740992",
    "2^53 + 1": "9007199254740993", "2^63 - 1": "9223372036854775807", "2^63": "9223372036854775808", "-2^63": "-9223372036854775808",
    "2^64": "18446744073709551616", "400 digits": "9" * 400, "5,000 digits": "1" * 5_000, "a half": "0.5", "almost one": "0.9999999999999999999",
    "five with a point": "5.0", "five as a power": "0.5e1", "nought": "0", "minus one": "-1", "text": '"5"', "text with blanks": '" 5 "',
    "Arabic digits": '"\\u0665"', "true": "true", "null": "null", "a leading nought": "05", "hexadecimal": "0x10", "plus": "+5", "grouped": '"1,000"',
    "an array": "[5]", "an object": '{"$numberLong": "5"}',
}  # fmt: skip

STAMPS = (
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59",
    "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2026-04-13T24:00:00Z", "2026-04-13T24:00:01Z",
    "2026-04-13T11:00:00+23:59", "2026-04-13T11:00:00-23:59", "2026-04-13T11:00:00+24:00", "2026-04-13T11:00:00-00:00",
    "2026-02-29T00:00:00Z", "2024-02-29T23:59:59.9999999999Z", "2026-00-10T00:00:00Z", "2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z",
    "2026-03-29T02:30:00", "2026-04-13", "2026-W16-1", "2026-103", "1776078000", "1e10", "now", "infinity", "epoch", "tomorrow",
    "2026-04-13T11:00:00Z\n", "2026-04-13T11:00:00.Z", "2026-04-13t11:00:00z", "2026-04-13T11:00:00\u2212\u0660\u0662:00", "",
)  # fmt: skip

PATHS = (
    "%2e", "%2e%2e", "%2e%2e%2f", "..%2f..%2fetc%2fpasswd", "%2F", "%5c..%5c", "%00", "a%00b", "%FF", "%C0%AE", "%ED%A0%80", "%", "%zz", "%25", "%2525",
    "%0d%0aSet-Cookie:%20a=b", "%0a", "%E2%80%AE", "%EF%BB%BF", "%F0%9F%9A%80", "%E2%80%8B", "'%20OR%201=1--", "%22", "%3Cscript%3E", ";x=1",
    "*", "{run_id}", "%7Bid%7D", "null", "undefined", "NaN", "-1", "0", "1e309", "9223372036854775808", "TR-", "TR-0", "TR-99999999999999999999",
    "tr-%D9%A4%D9%A2", "00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "urn:uuid:00000000-0000-0000-0000-000000000000",
    "%7B00000000-0000-0000-0000-000000000000%7D", "00000000000000000000000000000000", "a" * 5_000, "%20", "+", "a%20b", "~", "con", ".git%2Fconfig",
)  # fmt: skip
