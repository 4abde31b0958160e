"""The tickets and notes of the people who answer students."""
