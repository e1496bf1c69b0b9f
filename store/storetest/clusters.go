package storetest

import (
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

func testClusters(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	pb, pa := seedProject(t, s, "b"), seedProject(t, s, "a")
	c := &lifecycle.Cluster{ProjectID: pa.ID, Name: "z", Source: "created", Region: "hosts", Provider: "hosts", Simulated: true,
		Status: lifecycle.ClusterPending, Version: "v1.34.4", Endpoint: "192.0.2.1:6443", CreatedBy: "u", CreatedAt: noon, UpdatedAt: noon}
	c.Spec = lifecycle.ClusterSpec{Version: "v1.34.4", ControlPlanes: 1, NTPServers: []string{"n"}, Endpoint: lifecycle.EndpointSpec{Kind: "first", Port: 6443}}
	w := &lifecycle.Node{Name: "a-worker", Role: lifecycle.Worker, HostID: "h2", Status: "planned"}
	m1 := &lifecycle.Node{Name: "y-master", Role: lifecycle.ControlPlane, Index: 1, MachineID: "m"}
	m0 := &lifecycle.Node{Name: "z-master", Role: lifecycle.ControlPlane, Address: "192.0.2.1", HostKey: "k"}
	ok(t, s.CreateCluster(ctx, c, []*lifecycle.Node{w, m1, m0}))
	other := seedCluster(t, s, pb.ID, "z") // another project's name is free
	early := seedCluster(t, s, pb.ID, "c")
	wantErr(t, s.CreateCluster(ctx, &lifecycle.Cluster{ProjectID: pa.ID, Name: "z"}, nil), lifecycle.ErrExists)

	s = f.Reopen()
	c.CreatedAt, c.UpdatedAt = stored(noon), stored(noon)
	same(t, "cluster", must[*lifecycle.Cluster](t)(s.Cluster(ctx, c.ID)), c)
	same(t, "by name", must[*lifecycle.Cluster](t)(s.ClusterByName(ctx, pa.ID, "z")), c)
	same(t, "clusters", must[[]lifecycle.Cluster](t)(s.Clusters(ctx)), []lifecycle.Cluster{*c, *early, *other})
	for _, n := range []*lifecycle.Node{m0, m1, w} {
		n.ClusterID = c.ID
	}
	same(t, "nodes", must[[]*lifecycle.Node](t)(s.Nodes(ctx, c.ID)), []*lifecycle.Node{m0, m1, w})
	_, err := s.Kubeconfig(ctx, c.ID)
	wantErr(t, err, lifecycle.ErrNotFound)
	_, err = s.Cluster(ctx, "none")
	wantErr(t, err, lifecycle.ErrNotFound)

	// Deleted: kept, its name free, its kubeconfig gone.
	seedOp(t, s, c, lifecycle.OpDelete)
	fence := fenceOf(claim(t, s))
	ok(t, s.Checkpoint(ctx, fence, lifecycle.Checkpoint{Kubeconfig: "apiVersion: v1"}))
	same(t, "kubeconfig", must[string](t)(s.Kubeconfig(ctx, c.ID)), "apiVersion: v1")
	c.Status = lifecycle.ClusterDeleted
	ok(t, s.Checkpoint(ctx, fence, lifecycle.Checkpoint{Cluster: c}))
	_, err = s.Kubeconfig(ctx, c.ID)
	wantErr(t, err, lifecycle.ErrNotFound)
	_, err = s.ClusterByName(ctx, pa.ID, "z")
	wantErr(t, err, lifecycle.ErrNotFound)
	same(t, "kept", must[*lifecycle.Cluster](t)(s.Cluster(ctx, c.ID)).Status, lifecycle.ClusterDeleted)
	again := seedCluster(t, s, pa.ID, "z")
	same(t, "new one", must[*lifecycle.Cluster](t)(s.ClusterByName(ctx, pa.ID, "z")).ID, again.ID)
	same(t, "not deleted", len(must[[]lifecycle.Cluster](t)(s.Clusters(ctx))), 3)
}

func testClusterNeedsProject(t *testing.T, f *Fixture) {
	ctx := Context(t)
	wantErr(t, f.Store.CreateCluster(ctx, &lifecycle.Cluster{ProjectID: "none", Name: "c"}, nil), lifecycle.ErrNotFound)
	_, err := f.Store.Kubeconfig(ctx, "none")
	wantErr(t, err, lifecycle.ErrNotFound)
}
