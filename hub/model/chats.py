"""Channels of a ticket in which a visitor waits for an answer, as Zendesk names them.

https://developer.zendesk.com/documentation/ticketing/reference-guides/via-types/
"""

CHATS = frozenset(
    {
        "chat",
        "native_messaging",
        "messaging",
        "whatsapp",
        "sunshine_conversations_facebook_messenger",
        "sunshine_conversations_api",
        "instagram_dm",
    }
)
"""Live chat, messaging of the web and mobile widgets, and messengers that come through messaging."""
