"""The KQL pack: its queries, running them on files or on a cluster, and checking them with Kusto's own parser."""
