"""Trials of studies in the table of experiments: handed out to clients, each once."""

from reeltune.db.connection import Connection


def last_trial_number(conn: Connection, study: str) -> int:
    """Return the highest number of a study's trials, 0 if it has none."""
    found = conn.execute(
        "SELECT ifnull(max(number), 0) FROM hp_experiments WHERE tuning_run_id = :study",
        {"study": study},
    )
    return int(found.fetchone()[0])


def take_requested(conn: Connection, study: str, client_id: str, n: int) -> None:
    """Hand up to `n` of the trials that were requested to a client, the earliest first."""
    conn.execute(
        """
        UPDATE hp_experiments
           SET status = 'running', client_id = :client, attempts = attempts + 1
         WHERE experiment_id IN (
               SELECT experiment_id FROM hp_experiments
                WHERE tuning_run_id = :study AND status = 'pending'
                ORDER BY number LIMIT :n)
        """,
        {"study": study, "client": client_id, "n": n},
    )


def delete_trials(conn: Connection, study: str) -> None:
    """Remove all trials of a study."""
    conn.execute("DELETE FROM hp_experiments WHERE tuning_run_id = :study", {"study": study})


def delete_study(conn: Connection, study: str) -> None:
    """Remove a study that has no trials."""
    conn.execute("DELETE FROM hp_tuning_runs WHERE tuning_run_id = :study", {"study": study})
