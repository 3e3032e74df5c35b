"""Layers around every HTTP response, each a plain ASGI middleware."""
