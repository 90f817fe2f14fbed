"""Ready mappings of the exports that people have most often, by name."""

from reeltune.importers.mapping import SourceMap, parse_mapping

READY = {
    "letterboxd": """
# The export of Letterboxd: the archive, its directory, or ratings.csv of it.
[movies]
table = "ratings.csv"
movie = "Letterboxd URI"
title = "Name"
year = "Year"

[ratings]
table = "ratings.csv"
one_user = "me"
movie = "Letterboxd URI"
rating = "Rating"
scale = "stars"
time = "Date"
time_format = "iso"
""",
    "imdb": """
# The export of one's own ratings on IMDb.
[movies]
movie = "Const"
title = "Title"
year = "Year"
genres = "Genres"
genres_separator = ","
runtime = "Runtime (mins)"
released = "Release Date"
imdb = "Const"

[ratings]
one_user = "me"
movie = "Const"
rating = "Your Rating"
scale = "1-10"
time = "Date Rated"
time_format = "iso"
""",
    "trakt": """
# ratings-movies.json of an export of Trakt.
[movies]
movie = "movie.ids.trakt"
title = "movie.title"
year = "movie.year"
imdb = "movie.ids.imdb"
tmdb = "movie.ids.tmdb"

[ratings]
one_user = "me"
movie = "movie.ids.trakt"
rating = "rating"
scale = "1-10"
time = "rated_at"
time_format = "iso"
""",
    "netflix-prize": """
# The directory of the Netflix Prize, as it was published again in four files.
[movies]
table = "movie_titles.csv"
header = false
separator = ","
n_fields = 3
movie = "1"
year = "2"
title = "3"

[ratings]
table = "combined_data_*.txt"
movie = "movie"
user = "user"
rating = "rating"
scale = "stars"
time = "date"
time_format = "iso"
""",
}


def ready_mapping(name: str) -> SourceMap:
    """Return a ready mapping by its name.

    >>> ready_mapping("imdb").ratings[0].scale
    '1-10'
    """
    return parse_mapping(READY[name], name)
