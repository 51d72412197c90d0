package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	apierr "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// matchersOf writes a Kubernetes label selector as PromQL matchers. Both count an absent label as "not equal".
func matchersOf(selector labels.Selector) ([]string, error) {
	requirements, selectable := selector.Requirements()
	if !selectable {
		return nil, apierr.NewBadRequest("a selector that selects nothing has no matchers")
	}
	matchers := make([]string, 0, len(requirements))
	for _, requirement := range requirements {
		matcher, err := matcherOf(requirement)
		if err != nil {
			return nil, err
		}
		matchers = append(matchers, matcher)
	}
	return matchers, nil
}

func matcherOf(requirement labels.Requirement) (string, error) {
	key := requirement.Key()
	if !labelName.MatchString(key) {
		return "", apierr.NewBadRequest(fmt.Sprintf("%q is no label name of Prometheus", key))
	}
	values := requirement.Values().List()
	switch requirement.Operator() {
	case selection.Equals, selection.DoubleEquals:
		return matcher(key, "=", values[0]), nil
	case selection.NotEquals:
		return matcher(key, "!=", values[0]), nil
	case selection.In:
		return matcher(key, "=~", oneOf(values)), nil
	case selection.NotIn:
		return matcher(key, "!~", oneOf(values)), nil
	case selection.Exists:
		return matcher(key, "!=", ""), nil
	case selection.DoesNotExist:
		return matcher(key, "=", ""), nil
	default:
		return "", apierr.NewBadRequest(fmt.Sprintf("operator %q is not supported for labels of metrics", requirement.Operator()))
	}
}

func matcher(label, operator, value string) string {
	return label + operator + strconv.Quote(value)
}

func oneOf(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = regexp.QuoteMeta(value)
	}
	return strings.Join(quoted, "|")
}

func seriesSelector(metric string, matchers []string) string {
	return "{" + strings.Join(append([]string{matcher("__name__", "=", metric)}, matchers...), ",") + "}"
}
