"""Where piccolo looks for the database and the tables."""

import os

from piccolo.conf.apps import AppRegistry

from dashboard.db import engine_from
from dashboard.settings import from_env

DB = engine_from(from_env(os.environ))
APP_REGISTRY = AppRegistry(apps=["dashboard.piccolo_app"])
