"""The endpoints: answers that know no framework, and two thin surfaces that serve them."""
