"""The invented catalogue of sample events: bands, venues, images, as DynamoDB's typed JSON.

Every name is invented; every address is below example.com.
"""

from typing import Any

import msgspec

BANDS = [
    "The Paper Lanterns",
    "Größenwahn",
    "Sigrún Ásta",
    "Harbour Static",
    "Los Niños Eléctricos",
    "Łuna Park",
    "Velvet Ampersand",
    "DJ Øresund",
    "東京ナイトバス",
    "Marigold & the Tide",
    "Café Minuit",
    "Second Cousins",
    "The “Quiet” Room",
    "Čaj Orchestra",
    "Northern Dial",
    "Ñandú",
    "Copper Choir",
    'Paloma "Loma" Ruiz',
    "Slow Comet",
    "Étoile Filante",
    "The Understudies",
    "Brass Kitchen",
    "Ghost Ferry",
    "Ivory Lift 🎷",
]
TOURS = ["Winter Rooms", "Long Way Round", "Live in Concert", "Second Spring", "Ten Years On", "Rendez-vous à midi"]
SALES = ["Public Onsale", "Fan Presale", "Radio Presale", "Venue Presale", "VIP Packages", "Préventes"]

_CITIES = [
    "Leeds,England,GB,Europe/London",
    "Köln,Nordrhein-Westfalen,DE,Europe/Berlin",
    "Austin,Texas,US,America/Chicago",
    "Montréal,Québec,CA,America/Toronto",
    "Málaga,Andalucía,ES,Europe/Madrid",
    "Malmö,Skåne,SE,Europe/Stockholm",
    "Łódź,Łódzkie,PL,Europe/Warsaw",
    "Dublin,Leinster,IE,Europe/Dublin",
]
_HALLS = ["Corn Hall", "Arena", "Old Tramshed", "Theatre Royale"]
_GENRES = ["Music/Rock/Indie", "Music/Jazz/Bebop", "Arts & Theatre/Comedy/Stand-up", "Sports/Ice Hockey/League"]
_IMAGE_SIZES = [(1024, 576), (2048, 1152), (640, 360), (205, 115), (1136, 639), (100, 56), (640, 427), (305, 225)]


def typed(value: Any) -> dict[str, Any]:
    """Return a plain value as DynamoDB's typed JSON has it.

    {"width": 640, "url": None} -> {"M": {"width": {"N": "640"}, "url": {"NULL": True}}}
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [typed(one) for one in value]}
    return {"M": {name: typed(one) for name, one in value.items()}}


def encoded(value: Any) -> msgspec.Raw:
    """Return a plain value as typed JSON text, so that large values are encoded once and copied into images."""
    return msgspec.Raw(msgspec.json.encode(typed(value)))


def venues() -> list[msgspec.Raw]:
    """Return 32 venues of 1 to 2 KB, encoded."""
    return [encoded(_venue(number, hall, city)) for number, (hall, city) in enumerate(_halls_of_cities())]


def attractions() -> list[msgspec.Raw]:
    """Return one attraction of 1.5 to 3 KB for each of BANDS, encoded."""
    return [encoded(_attraction(number, band)) for number, band in enumerate(BANDS)]


def programmes() -> list[dict[str, msgspec.Raw]]:
    """Return 24 sets of attributes that events on one bill share: classifications, images, promoter and ticketing."""
    return [{name: encoded(value) for name, value in _programme(number).items()} for number in range(24)]


def _halls_of_cities() -> list[tuple[str, str]]:
    return [(hall, city) for hall in _HALLS for city in _CITIES]


def _images(subject: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "ratio": "16_9" if width * 9 == height * 16 else "3_2",
            "url": f"https://images.example.com/{subject}/{width}x{height}.jpg",
            "width": width,
            "height": height,
            "fallback": width == 100,
        }
        for width, height in _IMAGE_SIZES[:count]
    ]


def _classification(number: int) -> dict[str, Any]:
    names = _GENRES[number % len(_GENRES)].split("/")
    named = {
        level: {"id": f"KZ{level}{len(name):02}", "name": name}
        for level, name in zip(["segment", "genre", "subGenre"], names, strict=True)
    }
    return {"primary": True, "family": number % 3 == 0, **named, "type": {"id": "KZ00", "name": "Undefined"}}


def _venue(number: int, hall: str, city: str) -> dict[str, Any]:
    name, state, country, timezone = city.split(",")
    return {
        "id": f"V{number:06}",
        "name": f"{name} {hall}",
        "type": "venue",
        "url": f"https://tickets.example.com/venue/{number}",
        "locale": "en-us",
        "postalCode": None if number % 7 == 0 else f"{10_000 + number * 37}",
        "timezone": timezone,
        "aliases": [f"{hall} {name}", f"The {hall}"][: number % 3],
        "address": {"line1": f"{number + 1} Market Square", "line2": None},
        "city": {"name": name},
        "state": {"name": state, "stateCode": state[:2].upper()},
        "country": {"name": country, "countryCode": country},
        "location": {"longitude": f"-{number}.{number * 7919}", "latitude": f"{30 + number}.{number * 104729}"},
        "markets": [{"id": str(200 + number % 8), "name": f"{name} and around"}],
        "dmas": [{"id": 500 + number}, {"id": 601}],
        "upcomingEvents": {"total": number},  # not in the schema, as in the Discovery API's own venues
        "images": _images(f"venue-{number}", number % 3),
    }


def _attraction(number: int, band: str) -> dict[str, Any]:
    links: dict[str, Any] = {
        "homepage": [{"url": f"https://band-{number}.example.com", "id": None}],
        "youtube": [{"url": f"https://video.example.com/band-{number}"}],
        "musicBrainz": [{"id": f"mb-{number:04}-{number * 7919:08x}"}, {"id": f"mb-{number:04}-2"}],
    }
    return {
        "id": f"K{number:06}",
        "name": band,
        "type": "attraction",
        "url": f"https://tickets.example.com/artist/{number}",
        "locale": "en-us",
        "aliases": [band.upper()] * (number % 2),
        "externalLinks": dict(list(links.items())[: number % 4]),
        "classifications": [_classification(number)],
        "images": _images(f"artist-{number}", 3 + number % 5),
    }


def _programme(number: int) -> dict[str, Any]:
    promoter = {
        "id": str(600 + number),
        "name": "Kite & Sons",
        "description": None if number % 2 else "KITE / GBL / UK",
    }
    ticketing = {
        "id": "ticketing",
        "safeTix": {"enabled": number % 2 == 0, "inAppOnlyEnabled": False},
        "allInclusivePricing": {"enabled": number % 3 == 0},
    }
    optional = {"promoter": promoter, "promoters": [promoter], "ticketing": ticketing}
    return {
        "classifications": [_classification(number)],
        "images": _images(f"event-{number}", 2 + number % 7),
        **dict(list(optional.items())[: number % 4]),
    }
