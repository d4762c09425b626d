"""The shops and products of the sample data: invented, but as awkward as real ones."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from uuid import UUID

_SHOPS = (
    "O'Brien's Corner",
    'The "Old Mill" Farm Shop',
    "Bäckerei Müller & Söhne",
    "Café Ångström",
    "Green Grocer",
    "Señor Gómez",
    "Продукты Луна",
    "東京ストア",
    "Nordhavn Market",
    "100% Organic; fresh, daily",
    "L'Épicerie du Château",
    "Sunny Side Deli",
    "Çiçek Bakkal",
    "Back\\slash Books & Bread",
    "Smørrebrød Østerbro",
    "Corner 24/7",
)
_DISTRICTS = (
    "Harbour",
    "Old Town",
    "Station",
    "Market Square",
    "Riverside",
    "University",
    "West End",
    "Gärtnerplatz",
    "Mill Lane",
    "St. John's",
    "Hilltop",
    "North Gate",
    "Île Verte",
    "Airport",
    "Park",
    "Lakeside",
)
_VARIETIES = ("", "organic", "large", "family pack", "light", "extra", "classic", "mini")


@dataclass(frozen=True, slots=True)
class _Article:
    name: str
    category: str
    cents: int


_ARTICLES = (
    _Article("Milk 1 l", "dairy", 79),
    _Article("Butter 250 g", "dairy", 185),
    _Article("Gouda 400 g", "dairy", 310),
    _Article("Yoghurt 500 g", "dairy", 95),
    _Article("Rye bread 750 g", "bakery", 160),
    _Article("Croissant", "bakery", 55),
    _Article("Apples 1 kg", "produce", 140),
    _Article("Bananas 1 kg", "produce", 110),
    _Article("Tomatoes 500 g", "produce", 125),
    _Article("Espresso beans 1 kg", "coffee and tea", 890),
    _Article("Green tea 100 g", "coffee and tea", 320),
    _Article("Spaghetti 500 g", "dry goods", 65),
    _Article("Basmati rice 1 kg", "dry goods", 180),
    _Article("Olive oil 0.75 l", "dry goods", 540),
    _Article("Dark chocolate 100 g", "sweets", 90),
    _Article("Crème brûlée", "sweets", 210),
    _Article("Mineral water 6 x 1.5 l", "drinks", 150),
    _Article("Apple juice 1 l", "drinks", 105),
    _Article("Riesling 0.75 l", "drinks", 460),
    _Article("Dish soap 500 ml", "household", 115),
)


@dataclass(frozen=True, slots=True)
class Shop:
    """A row of `locations`."""

    id: UUID
    name: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class Product:
    """A row of `products`; amounts in the shops' currency."""

    id: UUID
    name: str
    sku: str
    category: str
    cost: Decimal
    price: Decimal


def make_shops(count: int, random: Random, *, closed: int = 0) -> list[Shop]:
    """Return shops with different names, the last ones of them closed."""
    return [
        Shop(_new_id(random), _shop_name(number), number < count - closed)
        for number in range(count)
    ]


def make_products(count: int, random: Random) -> list[Product]:
    """Return products with different names and article numbers, each sold above its cost."""
    products = []
    for number in range(count):
        article = _ARTICLES[number % len(_ARTICLES)]
        round_number = number // len(_ARTICLES)
        cost = max(1, int(article.cents * (0.7 + 0.6 * random.random())))
        price = cost + max(1, int(cost * (0.25 + 0.65 * random.random())))
        products.append(
            Product(
                _new_id(random),
                _numbered(f"{article.name}", _VARIETIES, round_number),
                f"{article.category[:3].upper()}-{number + 1:05}",
                article.category,
                Decimal(cost) / 100,
                Decimal(price) / 100,
            )
        )
    return products


def _new_id(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)


def _shop_name(number: int) -> str:
    # Neighbours in the list differ in both parts, so that a small sample shows many of each.
    pair, again = (
        number % (len(_SHOPS) * len(_DISTRICTS)),
        number // (len(_SHOPS) * len(_DISTRICTS)),
    )
    shop = _SHOPS[pair % len(_SHOPS)]
    district = _DISTRICTS[(pair + pair // len(_SHOPS)) % len(_DISTRICTS)]
    return f"{shop}, {district}" + (f" {again + 1}" if again else "")


def _numbered(name: str, varieties: tuple[str, ...], round_number: int) -> str:
    """Return a name with a variety, and with a number once all varieties are used."""
    variety, again = varieties[round_number % len(varieties)], round_number // len(varieties)
    return name + (f", {variety}" if variety else "") + (f" no. {again + 1}" if again else "")
