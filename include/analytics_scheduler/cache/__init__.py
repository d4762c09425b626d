"""The analytics cache in Redis: its address, its keys, what is published and what is removed."""
