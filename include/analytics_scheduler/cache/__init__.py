"""The analytics cache in Redis: addresses, connections, keys, publishing and cleanup."""
