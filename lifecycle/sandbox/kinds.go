package sandbox

import "strings"

// resource is one kind of the simulated API.
type resource struct {
	group, version, kind, plural string
	namespaced                   bool
	short                        []string
}

// apiVersion is "v1" or "apps/v1".
func (r resource) apiVersion() string {
	if r.group == "" {
		return r.version
	}
	return r.group + "/" + r.version
}

// id is "pods" or "deployments.apps".
func (r resource) id() string {
	if r.group == "" {
		return r.plural
	}
	return r.plural + "." + r.group
}

// singular is the kind in small letters, as kubectl says it.
func (r resource) singular() string { return strings.ToLower(r.kind) }

// resources lists every kind that the simulated API knows. What it does with
// most of them is to keep them.
func resources() []resource {
	return []resource{
		{"", "v1", "Node", "nodes", false, []string{"no"}},
		{"", "v1", "Namespace", "namespaces", false, []string{"ns"}},
		{"", "v1", "Pod", "pods", true, []string{"po"}},
		{"", "v1", "Service", "services", true, []string{"svc"}},
		{"", "v1", "ConfigMap", "configmaps", true, []string{"cm"}},
		{"", "v1", "Secret", "secrets", true, nil},
		{"", "v1", "ServiceAccount", "serviceaccounts", true, []string{"sa"}},
		{"", "v1", "Event", "events", true, []string{"ev"}},
		{"", "v1", "Endpoints", "endpoints", true, []string{"ep"}},
		{"", "v1", "PersistentVolume", "persistentvolumes", false, []string{"pv"}},
		{"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true, []string{"pvc"}},
		{"", "v1", "LimitRange", "limitranges", true, nil},
		{"", "v1", "ResourceQuota", "resourcequotas", true, []string{"quota"}},
		{"apps", "v1", "Deployment", "deployments", true, []string{"deploy"}},
		{"apps", "v1", "DaemonSet", "daemonsets", true, []string{"ds"}},
		{"apps", "v1", "StatefulSet", "statefulsets", true, []string{"sts"}},
		{"apps", "v1", "ReplicaSet", "replicasets", true, []string{"rs"}},
		{"batch", "v1", "Job", "jobs", true, nil},
		{"batch", "v1", "CronJob", "cronjobs", true, []string{"cj"}},
		{"rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false, nil},
		{"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", false, nil},
		{"rbac.authorization.k8s.io", "v1", "Role", "roles", true, nil},
		{"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true, nil},
		{"storage.k8s.io", "v1", "StorageClass", "storageclasses", false, []string{"sc"}},
		{"storage.k8s.io", "v1", "CSIDriver", "csidrivers", false, nil},
		{"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", true, []string{"pdb"}},
		{"coordination.k8s.io", "v1", "Lease", "leases", true, nil},
		{"networking.k8s.io", "v1", "Ingress", "ingresses", true, []string{"ing"}},
		{"networking.k8s.io", "v1", "IngressClass", "ingressclasses", false, nil},
		{"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", true, []string{"netpol"}},
		{"discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", true, nil},
		{"apiregistration.k8s.io", "v1", "APIService", "apiservices", false, nil},
		{"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false, []string{"crd", "crds"}},
		{"scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", false, []string{"pc"}},
		{"certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", false, []string{"csr"}},
		{"autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true, []string{"hpa"}},
		{"admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false, nil},
		{"admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false, nil},
		{"node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", false, nil},
	}
}

// kindOf gives a kind that is known to exist.
func kindOf(kind string) resource {
	for _, r := range resources() {
		if r.kind == kind {
			return r
		}
	}
	panic("sandbox: unknown kind " + kind) // a name in this package's own code
}

// findKind finds the kind of an object by its apiVersion and kind.
func findKind(apiVersion, kind string) (resource, bool) {
	for _, r := range resources() {
		if r.kind == kind && r.apiVersion() == apiVersion {
			return r, true
		}
	}
	return resource{}, false
}

// findResource finds a kind by any of the names people use: pods, pod, po,
// deployments.apps.
func findResource(name string) (resource, bool) {
	name = strings.ToLower(name)
	for _, r := range resources() {
		if name == r.plural || name == r.singular() || name == r.id() || name == r.singular()+"."+r.group {
			return r, true
		}
		for _, s := range r.short {
			if name == s {
				return r, true
			}
		}
	}
	return resource{}, false
}
