"""Ranking metrics, and the evaluation of a recommender by them."""
