"""The parts of a report; each module's ``section`` gives what its template shows, or None."""
