package bpf

// The objects are checked in, so building needs no clang; "make generate" makes them anew.
//go:generate go tool bpf2go -tags linux -target amd64,arm64 -type message_event -type close_event -type process_event -type request_event -type target -type tail -type flow -type address -type conn -type owner -type attempt -type target_flags -type loss -type event_kind -type phase -type requests -type starts -type name -type names_how -type logged -type logged_string -type logged_flags -type headers_event -type field -type head_of -type wanted_kind trace trace.bpf.c -- -Iheaders -O2 -Wall -Werror

//go:generate go tool bpf2go -tags linux -target amd64,arm64 -type sample_event -type tick_event -type process_change -type frame -type row -type mapping -type process -type sample_kind -type frame_kind -type pc_from -type cause -type cfa_rule -type fp_rule -type mapping_kind -type process_flags -type count -type name -type names_how sample sample.bpf.c -- -Iheaders -O2 -Wall -Werror
