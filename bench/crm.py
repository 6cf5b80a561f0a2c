"""The CRM core at ten thousand and at a million leads, in one run: `python -m bench.crm`.

First pages of thirty smart lists, then conversions and owners of ten thousand leads at once.
"""

from bench import conversion, lists


def main() -> None:
    """Print both tables."""
    lists.main()
    conversion.main()


if __name__ == "__main__":
    main()
