-- Graphs: named queries on a source, with what their columns mean; and dashboards: graphs in an order.

create table graphs (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    description text not null default '',
    source_id uuid not null,
    -- What the source is asked: SQL, a Cube query in JSON, PromQL, JMESPath.
    query text not null check (query <> ''),
    unit text not null default '',
    format text not null default 'number' check (format in ('number', 'percent', 'duration', 'bytes')),
    decimals smallint check (decimals between 0 and 10),
    -- The column of the figure; null: `value`, or else the first that is not named below.
    value_column text check (value_column <> ''),
    -- The column that says when, and how long each of its periods is.
    time_dimension text check (time_dimension <> ''),
    grain text check (grain in ('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year')),
    -- The columns whose values tell the segments apart.
    segment_by text[] not null default '{}' check (cardinality(segment_by) <= 5),
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name),
    foreign key (tenant_id, source_id) references sources (tenant_id, id),
    constraint graphs_grain_of_time check (grain is null or time_dimension is not null)
);

create index graphs_of_source on graphs (tenant_id, source_id);

call build_wall('graphs', 'select, insert, update, delete');

create table dashboards (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    description text not null default '',
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name)
);

call build_wall('dashboards', 'select, insert, update, delete');

create table dashboard_graphs (
    tenant_id uuid not null,
    dashboard_id uuid not null,
    position smallint not null check (position between 1 and 50),
    graph_id uuid not null,
    primary key (dashboard_id, position),
    -- Deferrable: two graphs may change places in one statement.
    unique (dashboard_id, graph_id) deferrable,
    foreign key (tenant_id, dashboard_id) references dashboards (tenant_id, id) on delete cascade,
    foreign key (tenant_id, graph_id) references graphs (tenant_id, id)
);

create index dashboard_graphs_of_graph on dashboard_graphs (tenant_id, graph_id);

call build_wall('dashboard_graphs', 'select, insert, update, delete');
