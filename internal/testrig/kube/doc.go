// Package kube runs a real Kubernetes for tests: etcd, the control plane, and nodes with
// kubelet, containerd and runc, in namespaces and cgroups of their own on this machine.
//
//	Start -> node (network, mounts, cgroups) -> etcd, containerd -> apiserver -> kubelets
//
// It is a module of its own, so that the product's go.mod stays free of Kubernetes. The
// nodes share the machine's PID namespace, as nodes that are one machine would. All of its
// traffic stays in the network namespaces of the nodes, and nothing outlives the process
// that started it: each node ends with a pipe from it.
//
// What a cluster has and this has not: kube-proxy and DNS (the address of a Service does not
// answer), a registry for images (they are imported), and authentication of the kubelets.
package kube
