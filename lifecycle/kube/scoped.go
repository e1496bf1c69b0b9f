package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// scopedNamespace holds the service accounts of people with fewer rights than
	// the administrator's.
	scopedNamespace = "coxswain"
	// scopedRole is what they may do beyond the cluster's own role "view".
	scopedRole = "coxswain:cluster-manager"
	// scopedLife is how long a token is good for; the API server may give less.
	scopedLife = 24 * time.Hour
)

// Scoped is a kubeconfig with fewer rights than the administrator's.
type Scoped struct {
	Kubeconfig string
	Until      time.Time // when its token ends
}

// Scoped makes a kubeconfig for a person (a DNS label) who looks after the
// cluster: it reads everything but secrets (the cluster's own role "view"), reads
// nodes, cordons and drains them. What can make pods is left out on purpose: who
// makes a pod in kube-system gets the rights of any service account there. It
// writes a service account for the person and two bindings, labelled as ours;
// writing them again changes nothing. The token cannot be taken back before its
// end other than by deleting the service account.
func (c *Client) Scoped(ctx context.Context, person string) (Scoped, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for _, o := range scopedObjects(person) {
		raw, err := json.Marshal(o.body)
		if err != nil {
			return Scoped{}, fmt.Errorf("kube: %s: %w", o.path, err)
		}
		err = c.rest.Patch(types.ApplyPatchType).AbsPath(o.path).Param("fieldManager", "coxswain").Param("force", "true").Body(raw).Do(ctx).Error()
		if err != nil {
			return Scoped{}, c.failure(ctx, err)
		}
	}
	return c.token(ctx, person)
}

func (c *Client) token(ctx context.Context, person string) (Scoped, error) {
	ask, err := json.Marshal(map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
		"spec": map[string]any{"expirationSeconds": int64(scopedLife.Seconds())}})
	if err != nil {
		return Scoped{}, fmt.Errorf("kube: token request: %w", err)
	}
	raw, err := c.rest.Post().AbsPath("/api/v1/namespaces/"+scopedNamespace+"/serviceaccounts/"+person+"/token").
		SetHeader("Content-Type", "application/json").Body(ask).DoRaw(ctx)
	if err != nil {
		return Scoped{}, c.failure(ctx, err)
	}
	var got struct {
		Status struct {
			Token               string
			ExpirationTimestamp time.Time
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil || got.Status.Token == "" || got.Status.ExpirationTimestamp.IsZero() {
		return Scoped{}, c.strange(nil) // what was decoded may be a token
	}
	config, err := c.configOf(person, got.Status.Token)
	return Scoped{Kubeconfig: config, Until: got.Status.ExpirationTimestamp}, err
}

// configOf is a kubeconfig like the one that c was made of, for a token.
func (c *Client) configOf(person, token string) (string, error) {
	named := func(name, kind string, v any) []any { return []any{map[string]any{"name": name, kind: v}} }
	p, context := c.place, person+"@"+c.place.cluster
	cluster := map[string]any{"server": p.server, "certificate-authority-data": p.ca}
	if p.tlsServerName != "" {
		cluster["tls-server-name"] = p.tlsServerName
	}
	raw, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": context,
		"clusters": named(p.cluster, "cluster", cluster),
		"users":    named(person, "user", map[string]any{"token": token}),
		"contexts": named(context, "context", map[string]any{"cluster": p.cluster, "user": person}),
	})
	if err != nil {
		return "", fmt.Errorf("kube: kubeconfig: %w", err)
	}
	return string(raw), nil
}

type scopedObject struct {
	path string
	body map[string]any
}

// scopedObjects is what a person's rights are made of, in the order to write it.
func scopedObjects(person string) []scopedObject {
	meta := func(name string) map[string]any {
		return map[string]any{"name": name, "labels": map[string]any{"app.kubernetes.io/managed-by": "coxswain"}}
	}
	const group = "rbac.authorization.k8s.io"
	binding := func(suffix, role string) scopedObject {
		name := "coxswain:" + person + ":" + suffix
		return scopedObject{"/apis/" + group + "/v1/clusterrolebindings/" + name, map[string]any{
			"apiVersion": group + "/v1", "kind": "ClusterRoleBinding", "metadata": meta(name),
			"roleRef":  map[string]any{"apiGroup": group, "kind": "ClusterRole", "name": role},
			"subjects": []any{map[string]any{"kind": "ServiceAccount", "namespace": scopedNamespace, "name": person}}}}
	}
	rule := func(groups, resources, verbs []string) map[string]any {
		return map[string]any{"apiGroups": groups, "resources": resources, "verbs": verbs}
	}
	read := []string{"get", "list", "watch"}
	account := meta(person)
	account["namespace"] = scopedNamespace
	return []scopedObject{
		{"/api/v1/namespaces/" + scopedNamespace, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": meta(scopedNamespace)}},
		{"/api/v1/namespaces/" + scopedNamespace + "/serviceaccounts/" + person, map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}},
		{"/apis/" + group + "/v1/clusterroles/" + scopedRole, map[string]any{"apiVersion": group + "/v1", "kind": "ClusterRole", "metadata": meta(scopedRole),
			"rules": []any{
				rule([]string{""}, []string{"nodes", "persistentvolumes"}, read),
				rule([]string{"storage.k8s.io"}, []string{"storageclasses"}, read),
				rule([]string{"metrics.k8s.io"}, []string{"nodes", "pods"}, read),
				rule([]string{""}, []string{"nodes"}, []string{"patch"}),          // cordon
				rule([]string{""}, []string{"pods/eviction"}, []string{"create"}), // drain
			}}},
		binding("view", "view"),
		binding("manage", scopedRole),
	}
}
