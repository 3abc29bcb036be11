"""Change records by the outcome that they have."""

from tests.given import change, change_of, image, m, payload, s, spaced

FATES = {
    "sound": payload(change()),
    "sound, step by step": spaced(change()),
    "of another type": payload(change("sale", name=s("n"))),
    "removed": payload(change("demand", "REMOVE", email=s("a@b.c"))),
    "no JSON": b"nope",
    "of no type": payload(change_of({})),
    "of a type nobody archives": payload(change_of(image("venue"))),
    "with a time that is none": payload(change(date=m(requested=s("TBA")))),
    "with a wrong attribute": payload(change(fanId={"N": "1"})),
    "out of its table's range": payload(change(date=m(requested=s("2040-01-01T00:00:00Z")))),
}
