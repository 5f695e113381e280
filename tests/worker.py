"""The worker, whose minute takes a second: ``python -m tests.worker``.

With DATABASE_URL and JOBS_URL in the environment.
"""

import config
import jobs
from app import create_app

if __name__ == "__main__":
    config.Settings.model_config["env_file"] = None
    jobs.Minute.periodic_task_seconds = 1
    jobs.run_worker(create_app())
