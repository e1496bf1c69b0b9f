package phases

import "github.com/coxswain-ops/coxswain/lifecycle"

// The phases' names are persisted: never change one.
const (
	phasePreflight     = "preflight"
	phaseMachines      = "machines"
	phaseConnect       = "connect"
	phaseInspect       = "inspect"
	phaseClaim         = "claim"
	phaseSystem        = "os"
	phaseBundle        = "bundle"
	phasePackages      = "packages"
	phaseRuntime       = "runtime"
	phaseImages        = "images"
	phaseEndpoint      = "endpoint"
	phaseExternal      = "endpoint-check"
	phaseInit          = "init"
	phaseCNI           = "cni"
	phaseControlPlanes = "control-planes"
	phaseWorkers       = "workers"
	phaseAddons        = "addons"
	phaseVerify        = "verify"

	phaseReset   = "reset"
	phaseClean   = "clean"
	phaseRelease = "release"
	phaseUnmake  = "unmake"
)

// Procedures are the operations on clusters that we build ourselves.
func Procedures(d Deps) []lifecycle.Procedure {
	k := newKit(d)
	return []lifecycle.Procedure{k.create(), k.delete()}
}

func (k *kit) create() lifecycle.Procedure {
	return lifecycle.Procedure{Kind: lifecycle.OpCreate, Version: 1, Stages: []lifecycle.Stage{
		{Phase: &preflight{k, phasePreflight}},
		{Phase: &machines{k}, Over: lifecycle.EveryNode, When: k.madeMachines},
		{Phase: &connect{k}, Over: lifecycle.EveryNode},
		{Phase: &preflight{k, phaseInspect}, When: k.madeMachines},
		{Phase: &claim{k}, Over: lifecycle.EveryNode},
		{Phase: &system{k}, Over: lifecycle.EveryNode},
		{Phase: &upload{k}, Over: lifecycle.EveryNode, AtOnce: 8, When: fromBundle},
		{Phase: &packages{k}, Over: lifecycle.EveryNode},
		{Phase: &containerRuntime{k}, Over: lifecycle.EveryNode},
		{Phase: &images{k}, Over: lifecycle.EveryNode},
		{Phase: &balancer{k}, Over: lifecycle.ControlPlanes, When: withVIP},
		{Phase: &external{k}, When: withExternal},
		{Phase: &initialise{k}, Over: lifecycle.FirstControlPlane},
		{Phase: &cni{k}, Over: lifecycle.FirstControlPlane},
		{Phase: &join{k, phaseControlPlanes}, Over: lifecycle.JoiningControlPlane, AtOnce: 1, When: highlyAvailable},
		{Phase: &join{k, phaseWorkers}, Over: lifecycle.Workers},
		{Phase: &addons{k}, Over: lifecycle.FirstControlPlane, When: withNodeLocalDNS},
		{Phase: &verify{k}, Over: lifecycle.FirstControlPlane},
	}}
}

func (k *kit) delete() lifecycle.Procedure {
	onHosts := func(c *lifecycle.Cluster) bool { return !k.madeMachines(c) }
	return lifecycle.Procedure{Kind: lifecycle.OpDelete, Version: 1, Stages: []lifecycle.Stage{
		{Phase: &reset{k}, Over: lifecycle.EveryNode, When: onHosts},
		{Phase: &clean{k}, Over: lifecycle.EveryNode, When: onHosts},
		{Phase: &release{k}, Over: lifecycle.EveryNode, When: onHosts},
		{Phase: &unmake{k}, Over: lifecycle.EveryNode, When: k.madeMachines},
	}}
}

// When stages concern a cluster.

func fromBundle(c *lifecycle.Cluster) bool       { return c.Spec.Packages.Source == "bundle" }
func withVIP(c *lifecycle.Cluster) bool          { return c.Spec.Endpoint.Kind == "vip" }
func withExternal(c *lifecycle.Cluster) bool     { return c.Spec.Endpoint.Kind == "external" }
func highlyAvailable(c *lifecycle.Cluster) bool  { return c.Spec.ControlPlanes > 1 }
func withNodeLocalDNS(c *lifecycle.Cluster) bool { return c.Spec.NodeLocalDNS }
