"""Words that people write around telephone numbers, by meaning.

Out: patterns for `hub.mappings.phone_numbers`. Not here: the parsing of a number.
"""

import re

_EXTENSION_WORDS = (
    r"ext(?:ension|ensión|ensao|ensão|n)?|poste|durchwahl|dw|nst|nebenstelle|apparat|app|anexo|ramal|int(?:erno|erne|ern)?"
    r"|toestel|tst|wewn?|wewnętrzny|доб(?:авочный)?|вн(?:утр)?|anknytning|ankn|lokal|linje|内線|分机|分機|dahili|x|#"
)
EXTENSION = re.compile(
    rf"(?<=[\d\s).,;/(-])\s*[(\[]?\s*(?:{_EXTENSION_WORDS})\s*\.?\s*[:=#-]?\s*(\d{{1,7}})\s*[)\]]?\s*$",
    re.IGNORECASE,
)
"""An extension at the end: x12, ext. 12, poste 12, Durchwahl 12, ;ext=12."""
EXTENSION_AFTER_SEPARATOR = re.compile(
    rf"\s*[;,/]\s*(?=(?:{_EXTENSION_WORDS})\s*\.?\s*[:=#-]?\s*\d)", re.IGNORECASE
)
"""A separator before an extension, which does not separate two numbers."""
SEPARATOR = re.compile(
    r"[;|,\u3001\u060c\u061b&\\]+|\s*/+\s*|\s+-+\s+|\s+(?:ou|or|oder|bzw\.?|o|u|y|e|i|et|and|und|en|of|eller|og|och|lub|oraz|или|и|ή|και|veya|ve|أو|و|または|或)\s+",
    re.IGNORECASE,
)
LABELS = frozenset((
    "tel", "telephone", "telefon", "telefono", "telefone", "telefoon", "telefonnummer", "phone", "ph", "fone",
    "mobile", "mob", "mobil", "movil", "mobiel", "mobiltelefon", "cell", "cel", "celular", "cellulare", "cellphone",
    "portable", "port", "handy", "gsm", "natel", "fax", "telefax", "office", "bureau", "buro", "home", "work", "pro",
    "perso", "private", "personal", "business", "whatsapp", "wa", "direct", "ligne", "directe", "standard", "main",
    "switchboard", "zentrale", "t", "m", "p", "f", "h", "w", "c", "d", "o", "nr", "no", "n", "num", "number", "numero",
    "rufnummer", "fixe", "fixo", "fisso", "fijo", "casa", "oficina", "ufficio", "escritorio", "trabajo", "trabalho",
    "privat", "dienstlich", "geschaftlich", "festnetz", "tlf", "tfno", "telf", "fono", "domicile", "travail", "maison",
    "komorkowy", "komorka", "stacjonarny", "тел", "телефон", "моб", "мобильный", "сот", "раб", "дом", "факс", "τηλ",
    "τηλεφωνο", "κινητο", "電話", "電話番号", "携帯", "携帯電話", "电话", "手机", "傳真", "手機", "전화", "휴대폰",
    "هاتف", "جوال", "تلفون", "موبايل", "טלפון", "נייד", "callto", "sms", "le", "the", "and", "ou", "or", "und", "oder",
))  # fmt: skip
"""Folded words that name the kind of line; they are dropped without a remark."""
