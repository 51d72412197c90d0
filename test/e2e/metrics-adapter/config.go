package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"text/template"
)

// Rules say how metrics are asked of Prometheus. A metric without a rule is the series of its name:
//
//   - asked about an object, the sum of the series whose label of the resource's singular name ("pod", "service", "deployment", …)
//     is the object's name and whose label "namespace" is its namespace;
//   - asked about a namespace, the sum of the series with that "namespace" that describe nothing smaller;
//   - asked as an external metric, each series with that "namespace", its other labels being the metric's labels.
//
// Its timestamp is that of the oldest sample in it.
type Rules struct {
	Custom   []Rule `json:"custom"`
	External []Rule `json:"external"`
	// IgnoreLabels are no labels of external metrics; absent: those that a scrape adds.
	IgnoreLabels []string `json:"ignoreLabels"`
}

// Rule is one metric with a query of its own. The timestamp of its values is that of Prometheus's answer.
type Rule struct {
	// Name of the metric in the API.
	Name string `json:"name"`
	// Resource that it describes, as in the API's path ("pods", "deployments.apps"); empty: any. Not for external metrics.
	Resource string `json:"resource"`
	// Query is a Go template of PromQL over queryFacts. Values of a custom metric carry the label {{.Resource}}.
	Query string `json:"query"`
	// WindowSeconds is the range that the query looks back over, told as the value's window; 0: none.
	WindowSeconds int64 `json:"windowSeconds"`

	template *template.Template
}

// queryFacts is what a query's template may use.
type queryFacts struct {
	// Metric is the name of the metric.
	Metric string
	// Namespace of what is described; empty for what has none.
	Namespace string
	// Resource is the label that holds the object's name.
	Resource string
	// Name matches the names of the objects, as a regular expression.
	Name string
	// Selector holds all matchers (namespace, objects, the asked-for labels), to be put between braces.
	Selector string
}

// Labels that make a series describe something smaller than its namespace.
var objectLabels = []string{"pod", "service", "node"}

// Labels that a scrape adds to each series.
var scrapeLabels = []string{"instance", "job"}

func readConfig(file string) (*Rules, error) {
	rules := &Rules{}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(rules); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if rules.IgnoreLabels == nil {
		rules.IgnoreLabels = scrapeLabels
	}
	for _, list := range [][]Rule{rules.Custom, rules.External} {
		for i := range list {
			if err := list[i].parse(); err != nil {
				return nil, fmt.Errorf("%s: rule %q: %w", file, list[i].Name, err)
			}
		}
	}
	return rules, nil
}

func (r *Rule) parse() error {
	if r.Name == "" || r.Query == "" {
		return fmt.Errorf("it needs name and query")
	}
	var err error
	r.template, err = template.New(r.Name).Option("missingkey=error").Parse(r.Query)
	return err
}

func (r *Rule) expand(facts queryFacts) (string, error) {
	var text bytes.Buffer
	if err := r.template.Execute(&text, facts); err != nil {
		return "", err
	}
	return text.String(), nil
}

func (r *Rule) window() *int64 {
	if r.WindowSeconds == 0 {
		return nil
	}
	return &r.WindowSeconds
}

func (r *Rules) custom(metric, resource string) *Rule {
	return find(r.Custom, func(rule Rule) bool {
		return rule.Name == metric && (rule.Resource == "" || rule.Resource == resource)
	})
}

func (r *Rules) external(metric string) *Rule {
	return find(r.External, func(rule Rule) bool { return rule.Name == metric })
}

func find(rules []Rule, matches func(Rule) bool) *Rule {
	if i := slices.IndexFunc(rules, matches); i >= 0 {
		return &rules[i]
	}
	return nil
}
