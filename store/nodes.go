package store

import (
	"context"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Nodes implements commands.ClusterStore and lifecycle.OperationStore: control
// planes first, each role in order.
func (s *Store) Nodes(ctx context.Context, clusterID string) ([]*lifecycle.Node, error) {
	nodes, err := list(ctx, s.read(ctx), scanNode,
		`SELECT cluster_id, name, role, idx, host_id, machine_id, address, host_key, status FROM nodes
		 WHERE cluster_id = $1 ORDER BY role, idx, name`, clusterID)
	out := make([]*lifecycle.Node, len(nodes))
	for i := range nodes {
		out[i] = &nodes[i]
	}
	return out, err
}

func scanNode(n *lifecycle.Node) []any {
	return []any{&n.ClusterID, &n.Name, &n.Role, &n.Index, &n.HostID, &n.MachineID, &n.Address, &n.HostKey, &n.Status}
}

// saveNodes inserts or replaces nodes by name.
func (t *tx) saveNodes(ctx context.Context, clusterID string, nodes []*lifecycle.Node) error {
	for _, n := range nodes {
		_, err := t.exec(ctx, `INSERT INTO nodes (cluster_id, name, role, idx, host_id, machine_id, address, host_key, status)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (cluster_id, name) DO UPDATE SET role = excluded.role, idx = excluded.idx,
			host_id = excluded.host_id, machine_id = excluded.machine_id, address = excluded.address,
			host_key = excluded.host_key, status = excluded.status`,
			clusterID, n.Name, n.Role, n.Index, n.HostID, n.MachineID, n.Address, n.HostKey, n.Status)
		if err != nil {
			return about(err, "node", n.Name)
		}
	}
	return nil
}
