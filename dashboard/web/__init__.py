"""The HTTP door: pages for staff, the public API and Stripe's webhook."""
