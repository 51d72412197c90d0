package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	apierr "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/klog/v2"
)

// An answer of more bytes fails.
const maxAnswerBytes = 32 << 20

type prometheus struct {
	base   string
	client *http.Client
}

// sample is one series of an instant vector.
type sample struct {
	labels map[string]string
	value  float64
	time   time.Time
}

func newPrometheus(base string, timeout time.Duration) *prometheus {
	return &prometheus{base: strings.TrimSuffix(base, "/"), client: &http.Client{Timeout: timeout}}
}

// ask is query for a provider: what failed is hidden from the asker, as in prometheus-adapter; the log says it.
func (p *prometheus) ask(ctx context.Context, expression string, at time.Time) ([]sample, error) {
	samples, err := p.query(ctx, expression, at)
	if err != nil {
		klog.ErrorS(err, "Prometheus can't be asked", "query", expression)
		return nil, errUnavailable()
	}
	return samples, nil
}

func errUnavailable() error {
	return apierr.NewInternalError(errors.New("unable to fetch metrics"))
}

// query answers an instant query at that time; a scalar is one sample without labels.
func (p *prometheus) query(ctx context.Context, expression string, at time.Time) ([]sample, error) {
	seconds := strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)
	var data struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	}
	if err := p.post(ctx, "/api/v1/query", url.Values{"query": {expression}, "time": {seconds}}, &data); err != nil {
		return nil, err
	}
	switch data.ResultType {
	case "vector":
		return decodeVector(data.Result)
	case "scalar":
		var at point
		if err := json.Unmarshal(data.Result, &at); err != nil {
			return nil, err
		}
		return []sample{at.sample(map[string]string{})}, nil
	default:
		return nil, fmt.Errorf("the query gives a %s, not a vector", data.ResultType)
	}
}

func decodeVector(text json.RawMessage) ([]sample, error) {
	var vector []struct {
		Metric map[string]string `json:"metric"`
		Value  *point            `json:"value"`
	}
	if err := json.Unmarshal(text, &vector); err != nil {
		return nil, err
	}
	samples := make([]sample, 0, len(vector))
	for _, element := range vector {
		// A native histogram has none.
		if element.Value != nil {
			samples = append(samples, element.Value.sample(element.Metric))
		}
	}
	return samples, nil
}

// names answers the names of series that match any of the selectors.
func (p *prometheus) names(ctx context.Context, selectors ...string) ([]string, error) {
	var names []string
	err := p.get(ctx, "/api/v1/label/__name__/values", url.Values{"match[]": selectors}, &names)
	return names, err
}

func (p *prometheus) post(ctx context.Context, path string, form url.Values, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.send(request, data)
}

func (p *prometheus) get(ctx context.Context, path string, query url.Values, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	return p.send(request, data)
}

func (p *prometheus) send(request *http.Request, data any) error {
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var envelope struct {
		Status    string          `json:"status"`
		ErrorType string          `json:"errorType"`
		Error     string          `json:"error"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswerBytes)).Decode(&envelope); err != nil {
		return fmt.Errorf("%s answered %s with no JSON of Prometheus: %w", request.URL.Path, response.Status, err)
	}
	if envelope.Status != "success" {
		return fmt.Errorf("%s answered %s: %s: %s", request.URL.Path, response.Status, envelope.ErrorType, envelope.Error)
	}
	return json.Unmarshal(envelope.Data, data)
}

// point is `[1795328531.701, "42"]`.
type point struct {
	time  time.Time
	value float64
}

func (p *point) UnmarshalJSON(text []byte) error {
	var seconds float64
	var value string
	if err := json.Unmarshal(text, &[]any{&seconds, &value}); err != nil {
		return err
	}
	p.time = unixTime(seconds)
	var err error
	p.value, err = strconv.ParseFloat(value, 64)
	return err
}

func unixTime(seconds float64) time.Time {
	return time.UnixMilli(int64(math.Round(seconds * 1000)))
}

func (p point) sample(labels map[string]string) sample {
	return sample{labels: labels, value: p.value, time: p.time}
}

// quantity is the value to the nearest thousandth; false for what is no number.
func quantity(value float64) (resource.Quantity, bool) {
	if math.IsNaN(value) || math.IsInf(value, 0) || math.Abs(value) >= math.MaxInt64 {
		return resource.Quantity{}, false
	}
	if milli := math.Round(value * 1000); math.Abs(milli) < math.MaxInt64 {
		return *resource.NewMilliQuantity(int64(milli), resource.DecimalSI), true
	}
	return *resource.NewQuantity(int64(value), resource.DecimalSI), true
}
