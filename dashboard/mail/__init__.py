"""The e-mails that tell students and staff what happened to their money."""
