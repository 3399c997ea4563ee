package apisix

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// A Drift is a resource of which the gateway holds another revision than the Admin API.
type Drift struct {
	Kind             Kind
	ID, Name         string
	Admin, AtGateway int64 // the revisions; 0 where it does not have the resource
	Changed          int64 // when it was last changed there, as update_time says: seconds since 1970, or 0
}

// DriftKinds are the kinds that both APIs have.
func DriftKinds() []Kind { return []Kind{Routes, Services, Upstreams} }

// Compare finds what has not arrived at the gateway. What is found is looked at once more after
// wait, and told only if neither side has moved: a change takes a moment to arrive. It returns
// how many resources the Admin API has.
func Compare(ctx context.Context, admin *Client, gateway *Control, wait time.Duration) (drifts []Drift, compared int, err error) {
	drifts, compared, err = compare(ctx, admin, gateway)
	if err != nil || len(drifts) == 0 {
		return drifts, compared, err
	}
	select {
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case <-time.After(wait):
	}
	again, compared, err := compare(ctx, admin, gateway)
	return slices.DeleteFunc(again, func(d Drift) bool { return !slices.Contains(drifts, d) }), compared, err
}

func compare(ctx context.Context, admin *Client, gateway *Control) (drifts []Drift, compared int, err error) {
	for _, kind := range DriftKinds() {
		// The Admin API first: what changes between the two is then ahead at the gateway.
		want, err := admin.List(ctx, kind)
		if err != nil {
			return nil, 0, err
		}
		have, err := gateway.List(ctx, kind)
		if err != nil {
			return nil, 0, err
		}
		compared += len(want)
		drifts = append(drifts, differ(kind, want, have)...)
	}
	return drifts, compared, nil
}

func differ(kind Kind, want, have []Resource) []Drift {
	held := map[string]int64{}
	for _, r := range have {
		held[r.ID] = r.ModifiedIndex
	}
	var all []Drift
	for _, r := range want {
		revision, ok := held[r.ID]
		delete(held, r.ID)
		if !ok || revision < r.ModifiedIndex {
			all = append(all, Drift{kind, r.ID, r.Name(), r.ModifiedIndex, revision, r.Value("update_time").Int()})
		}
	}
	for _, r := range have {
		if revision, ok := held[r.ID]; ok {
			all = append(all, Drift{Kind: kind, ID: r.ID, Name: r.Name(), AtGateway: revision})
		}
	}
	slices.SortFunc(all, func(a, b Drift) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
