"""Imports a directory of MovieLens files, with those of TMDB where they are there."""

from pathlib import Path
from typing import NamedTuple

from rich.progress import Progress

from reeltune.db.connection import Connection
from reeltune.importers.counts import FileReport
from reeltune.importers.layouts import MovieLensFiles, find_movielens
from reeltune.importers.movielens import import_movielens
from reeltune.importers.movies_dataset import find_alone, import_titles
from reeltune.importers.tmdb import TmdbFiles, find_tmdb, import_tmdb


class ImportFiles(NamedTuple):
    """Files that are imported together."""

    directory: Path
    movielens: MovieLensFiles
    alone: TmdbFiles | None  # of "The Movies Dataset", where it takes the place of MovieLens
    tmdb: TmdbFiles | None

    @property
    def unread(self) -> list[str]:
        """Names of the directory's files that are of no use here."""
        read = self.tmdb.paths if self.tmdb else set()
        names = self.movielens.unread
        return [name for name in names if (self.directory / name).resolve() not in read]


def find_files(directory: Path, tmdb_directory: Path | None) -> ImportFiles:
    """Return the files of a directory, and of one of TMDB's.

    Raises:
        InputError: there are two of a kind.
        NotFoundError: there is none.
    """
    movielens = find_movielens(directory)
    alone = find_alone(directory, movielens)
    tmdb = find_tmdb(tmdb_directory) if tmdb_directory else alone
    return ImportFiles(directory, movielens, alone, tmdb)


def import_files(
    conn: Connection, files: ImportFiles, bar: Progress, max_rejected: float
) -> list[FileReport]:
    """Import files, each in one transaction.

    Raises:
        RejectedRowsError: no row of a file was kept, or too many were rejected.
    """
    if files.alone:
        import_titles(conn, files.movielens, files.alone, bar, max_rejected)
    reports = list(import_movielens(conn, files.movielens, bar, max_rejected))
    if files.tmdb:
        reports += import_tmdb(conn, files.tmdb, bar, max_rejected)
    return reports
