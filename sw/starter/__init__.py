"""Projects of one's own to start from: what ``subbit new`` writes."""

from subbit.sw.starter.project import TEMPLATES, Project, new_project

__all__ = ["TEMPLATES", "Project", "new_project"]
