"""What is wrong, and since when: one list that the desk, machines and e-mails share."""
