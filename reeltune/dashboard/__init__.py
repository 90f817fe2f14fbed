"""Dashboard: pages for people with a browser, served beside the API."""
