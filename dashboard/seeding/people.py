"""Who is in the seed: instructors, students, packages, and one sign-in for each role."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Teacher:
    """An instructor of the seed. `rate` is in minor units of `currency` for an hour."""

    name: str
    subject: str
    rate: int
    currency: str
    time_zone: str
    number: int = 0

    @property
    def email(self) -> str:
        return address(self.name, "teachers.example", self.number)


@dataclass(frozen=True, slots=True)
class Learner:
    """A student of the seed."""

    name: str
    time_zone: str

    @property
    def email(self) -> str:
        return address(self.name, "students.example")


@dataclass(frozen=True, slots=True)
class Offer:
    """A package of the catalogue. `price` is in minor units of `currency`."""

    name: str
    lessons: int
    price: int
    currency: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person at the sandbox's desk, whose password everybody knows."""

    name: str
    role: str

    @property
    def email(self) -> str:
        return f"{self.name.lower()}@holdfast.test"

    @property
    def password(self) -> str:
        return f"holdfast-{self.name.lower()}"


def address(name: str, domain: str, number: int = 0) -> str:
    """An e-mail address that nobody has; a number tells people of one name apart."""
    plain = str.maketrans({"é": "e", "ü": "ue", "ö": "oe", "ñ": "n", "í": "i", "ó": "o", "'": ""})
    return f"{name.lower().translate(plain).replace(' ', '.')}{number or ''}@{domain}"


SIGN_INS = (
    SignIn("Vera", "viewer"),
    SignIn("Sam", "support"),
    SignIn("Fiona", "finance"),
    SignIn("Ana", "admin"),
)

TEACHERS = (
    Teacher("Clara Novak", "piano", 9600, "usd", "America/New_York"),
    Teacher("Marcus Bell", "guitar", 7200, "usd", "America/Chicago"),
    Teacher("Priya Raman", "mathematics", 6800, "usd", "America/Los_Angeles"),
    Teacher("Daniel O'Connor", "English", 5400, "usd", "America/New_York"),
    Teacher("Rosa Jiménez", "Spanish", 5800, "usd", "America/Denver"),
    Teacher("Amara Okafor", "chemistry", 7500, "usd", "America/New_York"),
    Teacher("Owen Price", "drums", 6400, "usd", "America/Los_Angeles"),
    Teacher("Mei Lin", "violin", 11000, "usd", "America/New_York"),
    Teacher("Jonas Weber", "German", 5200, "eur", "Europe/Berlin"),
    Teacher("Élise Martin", "French", 5600, "eur", "Europe/Paris"),
    Teacher("Haruka Sato", "Japanese", 6500, "jpy", "Asia/Tokyo"),
    Teacher("Yousef Al-Sabah", "Arabic", 18500, "kwd", "Asia/Kuwait"),
)

OFFERS = (
    Offer("Five lessons", 5, 42000, "usd"),
    Offer("Ten lessons", 10, 79000, "usd"),
    Offer("Fünf Stunden", 5, 24000, "eur"),
)

FIRST = (
    "Maya Liam Zoe Noah Ines Theo Leila Hugo Nora Felix Aisha Oscar Freya Kenji Lucia Emil Sofia "
    "Arjun Ella Mateo Hana Victor June Samir"
).split()
LAST = (
    "Thompson Rivera Lindqvist Haddad Moreau Fischer Nakamura Costa Patel Kowalski Brooks "
    "Andersen Ferrari Dubois Walsh Romero"
).split()
ZONES = (
    "America/New_York",
    "America/Los_Angeles",
    "America/Chicago",
    "Europe/Berlin",
    "Europe/London",
    "Asia/Tokyo",
)
LEARNERS = tuple(
    Learner(f"{FIRST[i % len(FIRST)]} {LAST[(i * 7 + i // len(FIRST)) % len(LAST)]}", zone)
    for i, zone in ((i, ZONES[i * 5 % len(ZONES)]) for i in range(72))
)
