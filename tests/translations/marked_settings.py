"""The project with a language in which every message is marked: in place of German."""

import os

from project.settings import *  # noqa: F403

LOCALE_PATHS = [os.environ["MARKED_LOCALE"]]
