"""The viewer: two dates, every sensor and product on one pixel."""
