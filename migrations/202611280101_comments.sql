-- Comments that named a document which is not in this repository.
COMMENT ON FUNCTION next_fence() IS 'Number of a fetch, rising for ever, also over failovers (docs/adr/0004).';
COMMENT ON COLUMN jobs.error_class IS 'Class of the last failure (docs/architecture.md, Failures).';
COMMENT ON COLUMN dead_letters.class IS 'Class of the failure (docs/architecture.md, Failures).';
