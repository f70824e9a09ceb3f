"""What AWS's own files say: botocore's models, ARNs, regions, paging markers."""
