"""The metrics for Prometheus, in a registry of our own, so that no library adds to it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

registry = CollectorRegistry()
# Memory, processor time and open descriptors of this process, where the system tells.
ProcessCollector(registry=registry)

requests = Counter("muster_requests", "HTTP requests", ["path", "method", "status"], registry=registry)
request_seconds = Histogram("muster_request_seconds", "Time to answer a request", ["path"], registry=registry)
failed_sign_ins = Counter("muster_failed_sign_ins", "Sign-ins with a token that is not valid", registry=registry)
jobs = Counter("muster_jobs", "Jobs that this process finished", ["kind", "outcome"], registry=registry)
job_seconds = Histogram("muster_job_seconds", "Time to run a job", ["kind"], registry=registry)
receipts_dropped = Counter(
    "muster_receipts_dropped", "Receipts that belonged to no message for 72 hours", ["channel"], registry=registry
)
webhooks = Counter("muster_webhooks", "Webhooks by what became of them", ["channel", "outcome"], registry=registry)
# Counted in the database at each scrape, so that every process reports the same.
deliveries = Gauge("muster_deliveries", "Deliveries by outcome", ["channel", "outcome"], registry=registry)
leases_expired = Gauge(
    "muster_leases_expired", "Jobs whose worker died and that no worker has claimed again", ["queue"], registry=registry
)
oldest_due = Gauge(
    "muster_oldest_due_seconds", "How long the oldest due job has waited for a worker", ["queue"], registry=registry
)
stuck_seconds = Gauge(
    "muster_stuck_seconds",
    "How long a part of this process has not answered; 0 while it does",
    ["part"],
    registry=registry,
)
loop_lag_seconds = Histogram(
    "muster_loop_lag_seconds",
    "How long a part of this process took to answer, asked once a second",
    ["part"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
    registry=registry,
)
tasks = Gauge("muster_tasks", "Tasks of the server's event loop", registry=registry)
connections = Gauge("muster_connections", "Requests' database connections", ["state"], registry=registry)
queue_depth = Gauge("muster_queue_depth", "Jobs pending or running", ["queue"], registry=registry)


def job_done(kind: str, outcome: str, seconds: float) -> None:
    jobs.labels(kind, outcome).inc()
    job_seconds.labels(kind).observe(seconds)
