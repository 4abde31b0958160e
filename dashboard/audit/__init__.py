"""Who did what, when and from where, as far as the story of the payments does not tell it."""
